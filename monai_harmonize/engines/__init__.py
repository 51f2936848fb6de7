"""Engines: the mechanics of training and inference; they know no paper."""

from monai_harmonize.engines.best_model import BestModelSaver as BestModelSaver
from monai_harmonize.engines.frozen_segmenter import frozen_segmenter as frozen_segmenter
from monai_harmonize.engines.frozen_segmenter import segmenter_weights as segmenter_weights
from monai_harmonize.engines.harmonize_evaluator import HarmonizeEvaluator as HarmonizeEvaluator
from monai_harmonize.engines.harmonized import Harmonized as Harmonized
from monai_harmonize.engines.harmonized import Harmonizedd as Harmonizedd
from monai_harmonize.engines.learning_rate import LinearDecay as LinearDecay
from monai_harmonize.engines.objective_trainer import ObjectiveEvents as ObjectiveEvents
from monai_harmonize.engines.objective_trainer import ObjectiveTrainer as ObjectiveTrainer
from monai_harmonize.engines.prediction_writer import PredictionWriter as PredictionWriter
from monai_harmonize.engines.prepare_codes import prepare_codes as prepare_codes
from monai_harmonize.engines.progress import TrainingProgress as TrainingProgress
from monai_harmonize.engines.progressive_growing import ProgressiveGrowing as ProgressiveGrowing
from monai_harmonize.engines.rand_harmonized import RandHarmonizedd as RandHarmonizedd
from monai_harmonize.engines.rand_style_transfer import RandStyleTransfer as RandStyleTransfer
from monai_harmonize.engines.rand_style_transfer import RandStyleTransferd as RandStyleTransferd
from monai_harmonize.engines.replay_pool import ReplayPool as ReplayPool
from monai_harmonize.engines.resume import RandomState as RandomState
from monai_harmonize.engines.resume import ResumeHandler as ResumeHandler
from monai_harmonize.engines.site_fitter import SiteFitter as SiteFitter
from monai_harmonize.engines.site_pairs import prepare_translations as prepare_translations
from monai_harmonize.engines.site_pairs import site_pair_metrics as site_pair_metrics
from monai_harmonize.engines.watch import TrainingWatch as TrainingWatch
from monai_harmonize.engines.weight_clipping import WeightClipping as WeightClipping
