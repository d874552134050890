"""Options of decoding at many places in the brain."""

from __future__ import annotations

from pydantic import Field, model_validator

from napari_fmri_decoder.decoders import NetworkDecoder
from napari_fmri_decoder.decoders.lda import LDA
from napari_fmri_decoder.recipe.decoder_field import DecoderField  # noqa: TC001  # pydantic reads it
from napari_fmri_decoder.samples.centers.config import CentersConfig


class WhereConfig(CentersConfig):
    """Decode at many places: spheres, regions, slabs or boxes, all on the same folds."""

    decoder: DecoderField = Field(
        LDA(),
        description="Name of the decoder of each place, and its options. lda, linear (with a given C) and "
        "prototype are fitted at many places at once. Networks are possible for regions and slabs.",
        validate_default=True,
    )
    permutations: int = Field(
        0,
        ge=0,
        le=100_000,
        description="Number of permutations of the block labels, the same for all places. They give p values "
        "that are corrected for the number of places (family-wise). 0: none.",
        json_schema_extra={"basic": True},
    )

    @model_validator(mode="after")
    def _fits_centers(self) -> WhereConfig:
        if isinstance(self.decoder, NetworkDecoder) and self.centers in ("spheres", "boxes"):
            raise ValueError(
                f"a network such as {self.decoder.name} can be trained for regions and slabs, not for "
                f"{self.centers}; choose lda, linear or prototype"
            )
        return self
