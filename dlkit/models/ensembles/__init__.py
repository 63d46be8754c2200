"""Several networks as one: the builder, what each method trains, and what it draws."""
