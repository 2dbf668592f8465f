"""Do engaged employees and good experience go together? From pairs to the answer."""
