"""Objectives: the mathematics of one paper per file."""

from monai_harmonize.objectives.acgan import ACGAN as ACGAN
from monai_harmonize.objectives.cgan import CGAN as CGAN
from monai_harmonize.objectives.collagan import CollaGAN as CollaGAN
from monai_harmonize.objectives.cyclegan import CycleGAN as CycleGAN
from monai_harmonize.objectives.gan import GAN as GAN
from monai_harmonize.objectives.infogan import InfoGAN as InfoGAN
from monai_harmonize.objectives.lapgan import LAPGAN as LAPGAN
from monai_harmonize.objectives.mgan import MGAN as MGAN
from monai_harmonize.objectives.objective import Objective as Objective
from monai_harmonize.objectives.pggan import PGGAN as PGGAN
from monai_harmonize.objectives.pix2pix import Pix2Pix as Pix2Pix
from monai_harmonize.objectives.reference_fit import ReferenceFit as ReferenceFit
from monai_harmonize.objectives.site_harmonization import fit_site as fit_site
from monai_harmonize.objectives.site_harmonization import site_fits as site_fits
from monai_harmonize.objectives.stargan import StarGAN as StarGAN
from monai_harmonize.objectives.style_transfer import StyleTransfer as StyleTransfer
from monai_harmonize.objectives.tone_curve_self_supervision import ToneCurveSelfSupervision as ToneCurveSelfSupervision
from monai_harmonize.objectives.unit import UNIT as UNIT
from monai_harmonize.objectives.wgan import WGAN as WGAN
