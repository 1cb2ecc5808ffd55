"""Problems of real apps, browsers and proxies with a deployment: one file for each subject. Tests have the id of a row in their names."""
