"""The sync engine: plain asyncio, no Qt. Clock, randomness and transport are passed in: a simulation may own them."""
