"""What tests of several rooms share. A file is named for what it makes. Nothing here checks the gateway."""
