"""Kinds of images, inferred from the naming conventions of the field's programs and from values."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fmri_decoder.volumes.kind_and_tr import GUESSED, STATED, determine_kind_and_tr
from napari_fmri_decoder.volumes.kinds import ImageFacts, guess_kind

_RNG = np.random.default_rng(0)
SIGNED = _RNG.standard_normal((8, 8, 8)).astype(np.float32)
POSITIVE = np.abs(SIGNED) * 3  # small and positive: a map with a small range, or a quantity
SCAN = (900 + 200 * _RNG.standard_normal((8, 8, 8))).astype(np.int16)
ONES = np.ones((8, 8, 8), np.uint8)
BRAIN = np.zeros((8, 8, 8), np.uint8)
BRAIN[2:6, 2:6, 2:6] = 1
FUZZY = np.where(BRAIN, 0.9999, 1e-7).astype(np.float32)
REGIONS = np.zeros((8, 8, 8), np.int16)
REGIONS[:4], REGIONS[4:, :4], REGIONS[4:, 4:] = 3, 17, 1001
SMALL_REGIONS = _RNG.permutation(512).reshape(8, 8, 8).astype(np.int16)  # no two neighbors agree
SHARE = _RNG.random((8, 8, 8)).astype(np.float32)

# (name, values, TR of a series or None for one volume, kind)
ONE, NO_TR = None, 0.0
NAMES: list[tuple[str, np.ndarray, float | None, str]] = [
    # BIDS and fMRIPrep
    ("sub-con01_task-x_bold.nii.gz", SCAN, 2.0, "bold"),
    ("sub-stat01_task-x_run-1_bold.nii.gz", SCAN, 2.0, "bold"),
    ("sub-z_task-t_bold.nii.gz", SCAN, 2.0, "bold"),
    ("sub-01_task-zmap_bold.nii.gz", SIGNED, 2.0, "bold"),
    ("sub-01_task-betas_run-01_bold.nii.gz", SCAN, NO_TR, "bold"),
    ("sub-mask01_task-atlas_bold.nii.gz", SCAN, 2.0, "bold"),
    ("sub-01_task-x_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz", SIGNED, 2.0, "bold"),
    ("sub-01_task-x_part-phase_bold.nii.gz", SIGNED, 2.0, "bold"),
    ("sub-01_task-rest_desc-smoothAROMAnonaggr_bold.nii.gz", SIGNED, NO_TR, "bold"),
    ("sub-01_asl.nii.gz", SCAN, 4.0, "bold"),
    ("sub-01_task-x_sbref.nii.gz", SCAN, ONE, "anatomy"),
    ("sub-01_task-x_space-T1w_boldref.nii.gz", POSITIVE, ONE, "anatomy"),
    ("sub-01_T1w.nii.gz", SCAN, ONE, "anatomy"),
    ("sub-con02_T2w.nii.gz", SCAN, ONE, "anatomy"),
    ("sub-01_desc-preproc_T1w.nii.gz", SIGNED, ONE, "anatomy"),
    ("sub-01_FLAIR.nii.gz", SCAN, ONE, "anatomy"),
    ("sub-01_UNIT1.nii.gz", SIGNED, ONE, "anatomy"),
    ("sub-01_inplaneT2.nii.gz", SCAN, ONE, "anatomy"),
    ("sub-01_dwi.nii.gz", SCAN, 3.0, "anatomy"),
    ("sub-01_dir-AP_epi.nii.gz", SCAN, 1.0, "anatomy"),
    ("sub-01_phasediff.nii.gz", SIGNED, ONE, "anatomy"),
    ("sub-01_fieldmap.nii.gz", SIGNED, ONE, "anatomy"),
    ("sub-01_magnitude1.nii.gz", SCAN, ONE, "anatomy"),
    ("sub-01_fmapid-auto00000_desc-preproc_fieldmap.nii.gz", SIGNED, ONE, "anatomy"),
    ("sub-01_T1map.nii.gz", POSITIVE, ONE, "anatomy"),
    ("sub-01_space-MNI_desc-brain_mask.nii.gz", BRAIN, ONE, "mask"),
    ("sub-01_desc-brain_mask.nii.gz", ONES, ONE, "mask"),
    ("sub-01_desc-brain_mask.nii.gz", FUZZY, ONE, "mask"),
    ("sub-01_hemi-L_label-V1_mask.nii.gz", BRAIN.astype(np.float32), ONE, "mask"),
    ("sub-01_dseg.nii.gz", REGIONS, ONE, "atlas"),
    ("sub-01_desc-aparcaseg_dseg.nii.gz", REGIONS.astype(np.float32), ONE, "atlas"),
    ("tpl-MNI_res-02_atlas-Schaefer2018_desc-100Parcels7Networks_dseg.nii.gz", SMALL_REGIONS, ONE, "atlas"),
    ("sub-01_label-GM_probseg.nii.gz", SHARE, ONE, "anatomy"),
    ("tpl-MNI_atlas-DiFuMo_desc-64dimensions_probseg.nii.gz", SHARE, 1.0, "stat"),
    ("sub-01_task-x_contrast-faces_stat-z_statmap.nii.gz", POSITIVE, ONE, "stat"),
    ("sub-01_task-x_contrast-faces_stat-effect_statmap.nii.gz", SIGNED, ONE, "stat"),
    ("sub-01_task-x_stat-alff_boldmap.nii.gz", POSITIVE, ONE, "stat"),
    ("sub-01_task-x_zmap.nii.gz", POSITIVE, ONE, "stat"),
    ("sub-con01_task-x_desc-zmap.nii.gz", POSITIVE, ONE, "stat"),
    # FSL
    ("zstat1.nii.gz", POSITIVE, ONE, "stat"),
    ("thresh_zstat12.nii.gz", np.zeros((8, 8, 8), np.float32), ONE, "stat"),
    ("tstat3.nii.gz", SIGNED, ONE, "stat"),
    ("zfstat1.nii.gz", POSITIVE, ONE, "stat"),
    ("cope1.nii.gz", SIGNED, ONE, "stat"),
    ("varcope1.nii.gz", POSITIVE, ONE, "stat"),
    ("cope5.nii.gz", SIGNED, 1.0, "stat"),
    ("pe1.nii.gz", SIGNED, ONE, "stat"),
    ("group_tfce_corrp_tstat1.nii.gz", SHARE, ONE, "stat"),
    ("cluster_mask_zstat1.nii.gz", REGIONS, ONE, "atlas"),
    ("filtered_func_data.nii.gz", SCAN, 2.0, "bold"),
    ("res4d.nii.gz", SIGNED, 2.0, "bold"),
    ("example_func.nii.gz", SCAN, ONE, "anatomy"),
    ("mean_func.nii.gz", POSITIVE, ONE, "anatomy"),
    ("mask.nii.gz", BRAIN, ONE, "mask"),
    ("MNI152_T1_2mm_brain_mask.nii.gz", BRAIN, ONE, "mask"),
    ("MNI152_T1_2mm.nii.gz", SCAN, ONE, "anatomy"),
    ("T1_fast_pveseg.nii.gz", REGIONS, ONE, "atlas"),
    ("T1_fast_pve_0.nii.gz", SHARE, ONE, "anatomy"),
    ("HarvardOxford-cort-maxprob-thr25-2mm.nii.gz", SMALL_REGIONS, ONE, "atlas"),
    ("HarvardOxford-cort-prob-2mm.nii.gz", SCAN // 100, 1.0, "stat"),
    ("fieldmap_rads.nii.gz", SIGNED, ONE, "anatomy"),
    ("fmap.nii.gz", SIGNED, ONE, "anatomy"),
    # SPM
    ("spmT_0001.nii", POSITIVE, ONE, "stat"),
    ("spmF_0002.nii", POSITIVE, ONE, "stat"),
    ("con_0001.nii", POSITIVE, ONE, "stat"),
    ("swcon_0003.nii", SIGNED, ONE, "stat"),
    ("ess_0004.nii", POSITIVE, ONE, "stat"),
    ("beta_0012.nii", SIGNED, ONE, "stat"),
    ("ResMS.nii", POSITIVE, ONE, "stat"),
    ("RPV.nii", SHARE, ONE, "stat"),
    ("swraf0001.nii", SCAN, ONE, "anatomy"),
    ("wmT1.nii", SCAN, ONE, "anatomy"),
    # AFNI
    ("stats.sub01+tlrc.HEAD", SIGNED, NO_TR, "stat"),
    ("stats.sub01_REML+tlrc.BRIK.gz", SIGNED, NO_TR, "stat"),
    ("errts.sub01.tproject+tlrc.HEAD", SIGNED, 2.0, "bold"),
    ("pb04.sub01.r01.scale+tlrc.HEAD", POSITIVE, 2.0, "bold"),
    ("all_runs.sub01+tlrc.HEAD", SCAN, 2.0, "bold"),
    ("full_mask.sub01+tlrc.HEAD", BRAIN, ONE, "mask"),
    ("anat_final.sub01+tlrc.HEAD", SCAN, ONE, "anatomy"),
    ("cbucket.stats.sub01+tlrc.HEAD", SIGNED, NO_TR, "stat"),
    # FreeSurfer
    ("T1.mgz", SCAN, ONE, "anatomy"),
    ("aparc+aseg.mgz", REGIONS.astype(np.int32), ONE, "atlas"),
    ("wmparc.mgz", SMALL_REGIONS, ONE, "atlas"),
    ("brainmask.mgz", SCAN, ONE, "anatomy"),  # a skull-stripped scan, despite its name
    # nilearn, NiMARE, NeuroVault, GLMsingle
    ("faces_minus_houses_z_map.nii.gz", POSITIVE, ONE, "stat"),
    ("run-1_z_score.nii.gz", POSITIVE, ONE, "stat"),
    ("motor_effect_size.nii.gz", SIGNED, ONE, "stat"),
    ("motor_effect_variance.nii.gz", POSITIVE, ONE, "stat"),
    ("motor_p_value.nii.gz", SHARE, ONE, "stat"),
    ("motor_stat.nii.gz", SIGNED, ONE, "stat"),
    ("f_map.nii.gz", POSITIVE, ONE, "stat"),
    ("pain_01_z.nii.gz", POSITIVE, ONE, "stat"),
    ("pain_01_t.nii.gz", POSITIVE, ONE, "stat"),
    ("pain_01_beta.nii.gz", POSITIVE, ONE, "stat"),
    ("image_10426.nii.gz", SIGNED, ONE, "stat"),
    ("lss_betas.nii.gz", POSITIVE, 2.0, "stat"),
    ("betas_session01.nii.gz", POSITIVE, NO_TR, "stat"),
    ("TYPED_FITHRF_GLMDENOISE_RR_betas.nii.gz", POSITIVE, 1.0, "stat"),
    ("msdl_rois.nii", SHARE, NO_TR, "stat"),
    ("Schaefer2018_100Parcels_7Networks_order_FSLMNI152_2mm.nii.gz", SMALL_REGIONS, ONE, "atlas"),
    # names that mean nothing, or something else
    ("con01.nii.gz", SCAN, ONE, "anatomy"),
    ("con01_run1.nii.gz", SCAN, 2.0, "bold"),
    ("stat_learning_run1.nii.gz", SCAN, 2.0, "bold"),
    ("statue_task.nii.gz", SCAN, 2.0, "bold"),
    ("constant_z_run.nii.gz", SCAN, 2.0, "bold"),
    ("subject_t.nii.gz", SCAN, 2.0, "bold"),  # the header's TR outweighs one letter
    ("bold_run1.nii.gz", SCAN, 2.0, "bold"),
    ("bold_run1_zmap.nii.gz", POSITIVE, ONE, "stat"),
    ("zmap_in_T1.nii.gz", POSITIVE, ONE, "stat"),
    ("unmasked.nii.gz", SCAN, ONE, "anatomy"),
    ("contrast.nii", POSITIVE, ONE, "anatomy"),
]


@pytest.mark.parametrize(("name", "values", "tr", "kind"), NAMES, ids=[f"{n[0]}-{n[2]}" for n in NAMES])
def test_naming_conventions_of_the_field_are_recognized(name, values, tr, kind):
    series = tr is not None
    second = values.copy() if series else None
    facts = ImageFacts(name, values, series, 0, tr or None, tr != 1.0, second=second)
    assert guess_kind(facts).kind == kind


def test_list_of_names_is_long_enough():
    assert len(NAMES) >= 80
    assert len({name for name, *_ in NAMES}) >= 80


@pytest.mark.parametrize(
    ("intent", "series", "vector", "kind"),
    [
        (5, False, False, "stat"),
        (3, False, False, "stat"),
        (22, True, False, "stat"),
        (1001, False, False, "stat"),
        (1006, True, True, "stat"),  # displacements
        (1007, True, True, "stat"),  # vectors
        (1005, True, False, "stat"),  # a symmetric matrix is no atlas
        (2001, True, False, "bold"),
        (0, True, True, "stat"),  # five axes and no intent, as ANTs' and AFNI's exports
    ],
)
def test_header_decides_if_the_name_does_not(intent, series, vector, kind):
    assert guess_kind(ImageFacts("a.nii", SIGNED, series, intent, None, True, vector, SIGNED)).kind == kind


def test_label_intent_makes_an_atlas_only_of_whole_numbers():
    assert guess_kind(ImageFacts("a.nii", SMALL_REGIONS, intent=1002)).kind == "atlas"
    assert guess_kind(ImageFacts("a.nii", SIGNED, intent=1002)).kind == "stat"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (SIGNED, "stat"),
        (np.where(SIGNED > 1, SIGNED + 1, 0), "stat"),  # above a threshold
        (np.where(BRAIN, POSITIVE, np.nan).astype(np.float32), "stat"),  # as SPM writes
        (-POSITIVE, "stat"),
        (np.where(SIGNED < -1.8, -8, 10 + POSITIVE).astype(np.float32), "stat"),
        (SCAN, "anatomy"),
        (SCAN.astype(np.float32) + 0.25, "anatomy"),
        (np.where(SCAN < 700, -50.25, SCAN), "anatomy"),  # a spline's ringing below 0
        (SHARE, "anatomy"),
        (ONES, "mask"),
        (ONES * 255, "mask"),
        (BRAIN, "mask"),
        (BRAIN.astype(np.float64), "mask"),
        (np.zeros((8, 8, 8)), "mask"),
        (REGIONS, "atlas"),
        (REGIONS.astype(np.float32), "atlas"),
        (np.where(REGIONS == 3, np.nan, REGIONS).astype(np.float32), "atlas"),
    ],
)
def test_values_decide_last_and_are_named_as_the_reason(values, kind):
    guess = guess_kind(ImageFacts("a.nii", values))
    assert (guess.kind, guess.sure) == (kind, False)


def test_probability_atlas_is_recognized_by_volumes_that_do_not_overlap():
    first, second = np.zeros((8, 8, 8), np.uint8), np.zeros((8, 8, 8), np.uint8)
    first[:2], second[5:7] = 60, 70
    facts = ImageFacts("a.nii", first, True, 0, 1.0, True, second=second)
    assert guess_kind(facts).kind == "stat"
    same = ImageFacts("a.nii", first, True, 0, 1.0, True, second=first + 1)
    assert guess_kind(same).kind == "bold"


def test_stated_kind_and_tr_override_everything():
    facts = ImageFacts("sub-1_bold.nii.gz", SCAN, True, 5, 2.0)
    assert determine_kind_and_tr(facts, kind="stat")[:4] == ("stat", STATED, None, "")
    assert determine_kind_and_tr(ImageFacts("zmap.nii", SIGNED, True, 5), kind="bold")[:2] == ("bold", STATED)
    assert determine_kind_and_tr(ImageFacts("zmap.nii", SIGNED, True, 5), tr=2.5)[:4] == (
        "bold",
        STATED,
        2.5,
        STATED,
    )
    assert determine_kind_and_tr(ImageFacts("a.nii", SIGNED, True), own="stat").kind_from == "file"


@pytest.mark.parametrize(
    ("facts", "kind", "step", "note_text"),
    [
        (ImageFacts("a.nii", SIGNED, True, 0, 1.0, False), "stat", None, "not as a time series"),
        (ImageFacts("a.nii", SCAN, True, 0, 1.0, False), "bold", 1.0, "A TR of 1 s is assumed"),
        (ImageFacts("a.nii", SCAN, True), "bold", None, "treated as a stack of images"),
        (ImageFacts("sub-1_bold.nii", SCAN, True), "bold", None, "its header has no TR"),
        (ImageFacts("betas.nii", SCAN, True, 0, 2.0), "stat", None, "is ignored"),
        (ImageFacts("sub-1_bold.nii", SCAN, True, 0, 2000.0), "bold", 2000.0, "milliseconds"),
        (ImageFacts("sub-1_bold.nii", SCAN, True, 0, 0.002), "bold", 0.002, "too short"),
    ],
)
def test_uncertain_kind_or_tr_gives_a_note_on_how_to_state_it(facts, kind, step, note_text):
    found = determine_kind_and_tr(facts)
    assert (found.kind, found.step) == (kind, step)
    assert any(note_text in note and "State it" in note for note in found.notes)


def test_uncertain_kind_is_marked_as_a_guess():
    assert determine_kind_and_tr(ImageFacts("a.nii", SIGNED)).kind_from.endswith(GUESSED)
    assert not determine_kind_and_tr(ImageFacts("zstat1.nii", SIGNED)).kind_from.endswith(GUESSED)
