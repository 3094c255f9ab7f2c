"""Answers of this moment: what is stored now, whether the pipeline has computed it yet or not."""
