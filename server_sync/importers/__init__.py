"""Files to import documents: lists of people and schedules as CSV, frab's XML, schedule.json and iCalendar.

Everything that is there is read; what is doubtful or refused is said with its place in the file. Nothing here knows a
database: the document goes to the authority, which decides.
"""

from server_sync.importers.detect import read, read_all
from server_sync.importers.programme import Defaults

__all__ = ["Defaults", "read", "read_all"]
