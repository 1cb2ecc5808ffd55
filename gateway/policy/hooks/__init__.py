"""What Okta tells the gateway by itself: event hooks and Universal Logout, and for how long its silence is trusted."""
