"""What the labour code counts for the employees of the members (R63): time on call, and time at work during it.

On-call time without intervention is rest (L3121-10); an intervention and its travel are effective work (L3121-9); both
are told on a monthly statement (R3121-2). Rotas and case files are read here, and never changed.
"""
