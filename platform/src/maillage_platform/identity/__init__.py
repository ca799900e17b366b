"""Who a person is and which hat they wear; sign-in by one-time link. One interface (`service`) hides how."""
