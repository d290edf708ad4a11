"""Measurements, as ratios within one run; nothing here is imported by the product."""
