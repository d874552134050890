"""Forms made of magicgui widgets: one for each pydantic model, with the texts and limits of its fields."""
