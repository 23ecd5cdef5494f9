"""What comes in and what is taken home: photos, labels, tables, reports."""
