"""Inputs that are no plain numbers, turned into numeric columns which the ordinary measures judge.

Texts (:mod:`.text`), vectors (:mod:`.vectors`) and instants (:mod:`.instants`). What has to be learned, a vocabulary
or a centre, is learned from one half of the reference; the reference's own columns come from the other half
(:mod:`.content`), so that it is not flattered by what was learned from it, and a window without drift looks like it.
"""
