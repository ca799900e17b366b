"""The look shared by every screen: layouts, macros, styles, error pages, template filters."""
