"""Schedules for CPUs: vector code for a model's products, by rule and without a tuning run."""
