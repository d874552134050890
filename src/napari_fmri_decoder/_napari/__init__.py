"""The napari plugin: docks, reader, writer and layers; thin, no mathematics here."""
