"""Run the command as `python -m napari_fmri_decoder.cli`."""

from napari_fmri_decoder.cli import main

if __name__ == "__main__":
    main()
