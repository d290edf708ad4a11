"""What every service shares. No service imports another; nothing here imports a service."""
