"""The list and one delivery of the API as two other programs write them: plain Django views, and DRF."""
