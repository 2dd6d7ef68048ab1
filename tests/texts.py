"""Characters for the texts of property tests."""

from hypothesis import strategies as st

# All that UTF-8 has. By default Hypothesis encodes each of a million to know them, for two seconds in each of
# the processes of a new clone.
CHARACTERS = st.characters(exclude_categories=["Cs"])
