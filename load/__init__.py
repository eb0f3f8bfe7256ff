"""Load tests: plans, shards, measurements, thresholds, reports.

What is here needs none of the packages of the extra ``load``; `run` and `report` do.
"""

from .plan.plan import Plan, load_plan
from .plan.schema import plan_schema

__all__ = ["Plan", "load_plan", "plan_schema"]
