"""How we talk to a device: bytes (`transport`), prompts and lines (`session`), and each platform as data
(`platforms`)."""
