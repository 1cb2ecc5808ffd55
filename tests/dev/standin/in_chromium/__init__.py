"""Pages of the stand-in org, and Okta's own client for pages, in Chromium."""
