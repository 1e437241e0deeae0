"""The media that heartbeats travel over."""
