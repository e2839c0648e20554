"""The only bridge between asyncio and Qt, and what every screen shares: theme, actions, notices, sounds."""

from __future__ import annotations

from desktop.qt.immortal import keep_singletons

keep_singletons()
