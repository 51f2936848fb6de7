"""A small training of CycleGAN, or of UNIT, that tests start, kill and continue, also in processes of its own."""

import multiprocessing
import os
import signal
import uuid
from multiprocessing.connection import wait
from pathlib import Path

import torch
import torch.distributed as dist
from ignite.engine import Events
from monai.data import DataLoader, Dataset
from monai.handlers import LrScheduleHandler
from monai.networks.nets import PatchDiscriminator
from monai.transforms import Compose, RandGaussianNoised, RandRotated
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from monai_harmonize.data import PositionSampler, UnpairedDataset
from monai_harmonize.engines import LinearDecay, ObjectiveTrainer, RandomState, ReplayPool, ResumeHandler, TrainingWatch
from monai_harmonize.engines.objective_trainer import unwrap
from monai_harmonize.networks import ResNetGenerator, UNITTranslator
from monai_harmonize.objectives import UNIT, CycleGAN


def images(count: int, seed: int) -> Dataset:
    """Site of random images with random transforms."""
    generator = torch.Generator().manual_seed(seed)
    items = [{"image": 2 * torch.rand(1, 16, 16, generator=generator) - 1} for _ in range(count)]
    augmentation = [RandRotated("image", range_x=0.3, prob=0.7), RandGaussianNoised("image", prob=0.5)]
    return Dataset(items, Compose(augmentation))


class WithoutNoise(UNITTranslator):
    """Translator whose code is its mean also while it trains."""

    def sample(self, mean: torch.Tensor) -> torch.Tensor:
        return mean


class KillAt:
    """Handler that ends the process as hard as a power cut does."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def attach(self, engine: ObjectiveTrainer) -> None:
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: ObjectiveTrainer) -> None:
        if engine.state.iteration == self.iteration:
            os.kill(os.getpid(), signal.SIGKILL)


def make_trainer(
    folder: Path | None = None,
    *,
    kill: int = 0,
    workers: int = 0,
    batch_size: int = 2,
    pool_size: int = 3,
    dropout: float = 0.1,
    loss_weights: dict[str, float] | None = None,
    double: bool = False,
    unit: type[UNITTranslator] | None = None,
    rank: int = 0,
    ranks: int = 1,
    watch: dict[str, int] | None = None,
    **options,
) -> ObjectiveTrainer:
    """Trainer of four epochs with everything that has a state; it resumes from ``folder``."""
    torch.manual_seed(0)
    if unit is None:
        generators = [ResNetGenerator(2, channels=4, num_blocks=1) for _ in range(2)]
    else:
        translator = unit(2, channels=4, num_blocks=1)
        generators = [translator, translator.partner()]
    discriminators = [PatchDiscriminator(2, 4, 1, num_layers_d=1, norm="instance", dropout=dropout) for _ in range(2)]
    networks = [network.double() if double else network for network in (*generators, *discriminators)]
    if ranks > 1:
        networks = [
            network if isinstance(network, UNITTranslator) else DistributedDataParallel(network) for network in networks
        ]
        torch.manual_seed(rank)
    objective = (UNIT if unit else CycleGAN)(*networks, loss_weights=loss_weights)
    optimizers = [
        torch.optim.Adam(torch.nn.ModuleList(group).parameters(), 1e-3, (0.5, 0.999))
        for group in (generators, discriminators)
    ]
    schedulers = [LinearDecay(optimizer, 4, 1) for optimizer in optimizers]
    average = AveragedModel(generators[0], multi_avg_fn=get_ema_multi_avg_fn(0.9))
    pools = {"fake_a": ReplayPool(pool_size, 2 * rank), "fake_b": ReplayPool(pool_size, 2 * rank + 1)}
    dataset = UnpairedDataset(images(6, 1), images(5, 2), seed=3)
    sampler = PositionSampler(dataset, ranks, rank)
    loader = DataLoader(dataset, batch_size=batch_size, sampler=sampler, num_workers=workers)
    handlers = [LrScheduleHandler(scheduler, print_lr=False) for scheduler in schedulers]
    handlers += [KillAt(kill)] if kill else []
    if watch is not None:
        outputs = {"generator_ab": {"generated": "fake_b", "real": "image_b", "source": "image_a"}}
        real = {"discriminator_b": "image_b"}
        handlers.append(TrainingWatch(folder / f"watch{rank}.json", outputs, real, options=watch))
    if folder is not None:
        shared = {**objective.networks, "average": average}
        shared |= {f"optimizer_{i}": item for i, item in enumerate(optimizers)}
        shared |= {f"scheduler_{i}": item for i, item in enumerate(schedulers)}
        handlers.append(ResumeHandler(folder / "resume.pt", shared, {**pools, "random": RandomState()}, {"epochs": 4}))
    return ObjectiveTrainer(
        "cpu",
        4,
        loader,
        objective,
        *optimizers,
        replay_pools=pools,
        averages={"generator_ab": average},
        train_handlers=handlers,
        to_kwargs={"dtype": torch.float64} if double else None,
        **options,
    )


def weights(trainer: ObjectiveTrainer) -> dict[str, torch.Tensor]:
    """All weights of a trainer, averages included."""
    networks = {name: unwrap(network) for name, network in trainer.objective.networks.items()}
    networks |= {f"average {name}": average for name, average in trainer.averages.items()}
    return {f"{name} {key}": value for name, net in networks.items() for key, value in net.state_dict().items()}


def train(folder: Path, rank: int, ranks: int, rendezvous: Path, **options) -> None:
    """Body of one process: train, then write all weights."""
    torch.set_num_threads(1)
    if ranks > 1:
        os.environ["GLOO_SOCKET_IFNAME"] = "lo"
        dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=ranks)
    trainer = make_trainer(folder, rank=rank, ranks=ranks, **options)
    trainer.run()
    torch.save(weights(trainer), folder / f"weights{rank}.pt")
    if ranks > 1:
        dist.destroy_process_group()


# A server that has imported everything once; its forks start within milliseconds.
forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(
    ["monai.engines", "monai.handlers", "monai_harmonize.engines", "monai_harmonize.objectives"]
)


def train_in_processes(folder: Path, ranks: int = 1, **options) -> list[int | None]:
    """Exit codes of processes that train together; where one was killed, the others are killed, too."""
    folder.mkdir(exist_ok=True)
    rendezvous = folder / f"rendezvous-{uuid.uuid4()}"
    processes = [
        forks.Process(target=train, args=(folder, rank, ranks, rendezvous), kwargs=options) for rank in range(ranks)
    ]
    for process in processes:
        process.start()
    running = processes
    while running and not any(process.exitcode for process in processes):
        assert wait([process.sentinel for process in running], timeout=300), "the training hangs"
        running = [process for process in processes if process.exitcode is None]
    for process in running:
        process.kill()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]
