"""What real apps, browsers and proxies did to a deployment: one file for each topic, each row by its id."""
