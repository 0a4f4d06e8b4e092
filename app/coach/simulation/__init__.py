"""Simulations: a conversation to try things out in, by authored branches or with a chat model, and the look back at it."""
