"""What a feature is compared with: prepared once, then used for every window.

A reference is immutable and carries an id made from its content (:mod:`.content_id`), so a result can say for ever what
it was measured against, and a new reference never rewrites the results of an old one. :mod:`.numeric` and
:mod:`.categorical` are the two kinds. Numeric ones are made of :mod:`.distribution` and :mod:`.stratum_rows`, and say
in :mod:`.own_laws` what two samples of them differ by.
"""

from monitoring_pipeline.drift.reference.categorical import CategoricalReference, count_categories
from monitoring_pipeline.drift.reference.distribution import count_in_bins
from monitoring_pipeline.drift.reference.numeric import NumericReference

__all__ = ["CategoricalReference", "NumericReference", "count_categories", "count_in_bins"]
