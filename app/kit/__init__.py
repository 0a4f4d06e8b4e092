"""The ground floor: what any web application needs. No word of learning in it."""
