"""Controls: what the papers do not show and the dispute since turns on."""
