"""Two-state dynamical systems after Strogatz, "Nonlinear Dynamics and Chaos", as La Cava et al. (2016) posed them.

A line reads ``name: formula of the derivative; x in low high; y in low high``; the published sets are trajectories of
these systems, here the states are drawn uniformly from a box.
"""

TABLE = """
bacres1: dx = 20 - x - x*y/(1 + 0.5*x**2); x y in 1 10
bacres2: dy = 10 - x*y/(1 + 0.5*x**2); x y in 1 10
barmag1: dx = 0.5*sin(x - y) - sin(x); x y in 0 6.28
barmag2: dy = 0.5*sin(y - x) - sin(y); x y in 0 6.28
glider1: dx = -0.05*x**2 - sin(y); x y in 1 10
glider2: dy = x - cos(y)/x; x y in 1 10
lv1: dx = 3*x - 2*x*y - x**2; x y in 0 5
lv2: dy = 2*y - x*y - y**2; x y in 0 5
predprey1: dx = x*(4 - x - y/(1 + x)); x y in 0.5 10
predprey2: dy = y*(x/(1 + x) - 0.075*y); x y in 0.5 10
shearflow1: dx = cos(y)/sin(y)*cos(x); x in -1.5 1.5; y in 0.3 2.8
shearflow2: dy = (cos(y)**2 + 0.1*sin(y)**2)*sin(x); x in -3.1 3.1; y in 0.1 3
vdp1: dx = 10*(y - (x**3/3 - x)); x y in -2 2
vdp2: dy = -x/10; x y in -2 2
"""
