"""The sync engine: plain asyncio, no Qt; clock, randomness and transport are passed in, so that a simulation owns them."""
