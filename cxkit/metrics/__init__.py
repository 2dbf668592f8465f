"""Measures on a plain Series or DataFrame, each an Estimate with its uncertainty."""
