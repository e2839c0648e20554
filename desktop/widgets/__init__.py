"""What several screens draw. Widgets know the theme and plain records, no store and no sync."""
