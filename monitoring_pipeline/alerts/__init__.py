"""From verdicts to people: findings, the life of an alert, the outbox, and the channels that deliver.

A *finding* is one rule's verdict on one window and group; an *alert* is a finding's life over time; a
*notification* is one message of one alert's transition to one channel.
"""
