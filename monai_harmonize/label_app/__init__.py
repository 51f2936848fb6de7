"""MONAI Label app: trained bundles on an annotation server; ``main.py`` is what the server loads.

Modules that import ``monailabel``, or what comes with it, are the last in the chain: ``main``, ``http_errors``,
``infer_tasks``, ``look_strategy``, ``mask_format``, ``own_settings``, ``studies`` and ``train_task``. The others run,
and are tested, without it.
"""
