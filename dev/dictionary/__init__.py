"""Trains the dictionary that `receiver.frames` compresses bodies with."""
