"""Pages of the inventory, channels, account and notices: parse, call, render."""
