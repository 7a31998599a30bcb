"""It belongs here if it turns joules and hardware into grams, litres or money."""
