"""It belongs here if it hides secrets in text: in command lines, messages, names and URLs, before anything is stored or shown."""
