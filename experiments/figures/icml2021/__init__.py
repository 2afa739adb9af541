"""Figures of Jastrzębski et al., *Catastrophic Fisher Explosion* (ICML 2021)."""
