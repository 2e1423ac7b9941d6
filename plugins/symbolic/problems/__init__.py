"""Problems: known laws by name, and users' tables."""
