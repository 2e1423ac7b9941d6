"""The usual benchmark formulas, with the points that their authors train and test on.

A line reads ``name: variables; formula; points; test range``. Points are ``uniform low high count`` or ``grid low high
step``, once for all variables or once for each; the test range is the points' own where none is given. Grids of several
variables are crossed. The problems are Koza's (1992), Nguyen's (Uy et al. 2011), Keijzer's (2003), Vladislavleva's
(2009), Korns's (2011), Jin's (2019), Pagie's (1997), Meier's (2013), Krawiec & Pawlak's rationals R (2013), Livermore's
and those with constants (Mundhenk et al. 2021), after the table of the DSO project (BSD-3-Clause).
"""

TABLE = """
Keijzer-1: 1; 0.3*x1*sin(2*pi*x1); grid -1 1 0.1
Keijzer-2: 1; 0.3*x1*sin(2*pi*x1); grid -2 2 0.1
Keijzer-3: 1; 0.3*x1*sin(2*pi*x1); grid -3 3 0.1
Keijzer-4: 1; x1**3*exp(-x1)*cos(x1)*sin(x1)*(sin(x1)**2*cos(x1) - 1); grid 0 10 0.1; test 0.05 10.05
Keijzer-5: 3; 30*x1*x3/((x1 - 10)*x2**2); uniform -1 1 1000, uniform -1 1 1000, uniform 1 2 1000
Keijzer-6: 1; x1*(x1 + 1)/2; grid 1 50 1; test 1 120
Keijzer-7: 1; log(x1); grid 1 100 1
Keijzer-8: 1; sqrt(x1); grid 0 100 1; test 1 100
Keijzer-9: 1; log(x1 + sqrt(x1**2 + 1)); grid 0 100 1; test 1 100
Keijzer-10: 2; x1**x2; uniform 0 1 100
Keijzer-11: 2; x1*x2 + sin((x1 - 1)*(x2 - 1)); uniform -3 3 20
Keijzer-12: 2; x1**4 - x1**3 + x2**2/2 - x2; uniform -3 3 20
Keijzer-13: 2; 6*sin(x1)*cos(x2); uniform -3 3 20
Keijzer-14: 2; 8/(2 + x1**2 + x2**2); uniform -3 3 20
Keijzer-15: 2; x1**3/5 + x2**3/2 - x2 - x1; uniform -3 3 20
Korns-1: 5; 1.57 + 24.3*x4; uniform -50 50 100
Korns-2: 5; 0.23 + 14.2*((x4 + x2)/(3*x5)); uniform -50 50 100
Korns-3: 5; 4.9*((x4 - x1 + x2/x5)/(3*x5)) - 5.41; uniform -50 50 100
Korns-4: 5; 0.13*sin(x3) - 2.3; uniform -50 50 100
Korns-5: 5; 3 + 2.13*log(abs(x5)); uniform -50 50 100
Korns-6: 5; 1.3 + 0.13*sqrt(abs(x1)); uniform -50 50 100
Korns-7: 5; 2.1380940889*(1 - exp(-0.54723748542*x1)); uniform -50 50 100
Korns-8: 5; 6.87 + 11*sqrt(abs(7.23*x1*x4*x5)); uniform -50 50 100
Korns-9: 5; sqrt(abs(x1))/log(abs(x2))*(exp(x3)/x4**2); uniform -50 50 100
Korns-10: 5; 0.81 + 24.3*((2*x2 + 3*x3**2)/(4*x4**3 + 5*x5**4)); uniform -50 50 100
Korns-11: 5; 6.87 + 11*cos(7.23*x1**3); uniform -50 50 100
Korns-12: 5; 2 - 2.1*cos(9.8*x1)*sin(1.3*x5); uniform -50 50 100
Koza-2: 1; x1**5 - 2*x1**3 + x1; uniform -1 1 20
Koza-3: 1; x1**6 - 2*x1**4 + x1**2; uniform -1 1 20
Meier-3: 2; x1**2*x2**2/(x1 + x2); uniform -1 1 50
Meier-4: 2; x1**5/x2**3; uniform -1 1 50
Nguyen-1: 1; x1**3 + x1**2 + x1; uniform -1 1 20
Nguyen-2: 1; x1**4 + x1**3 + x1**2 + x1; uniform -1 1 20
Nguyen-3: 1; x1**5 + x1**4 + x1**3 + x1**2 + x1; uniform -1 1 20
Nguyen-4: 1; x1**6 + x1**5 + x1**4 + x1**3 + x1**2 + x1; uniform -1 1 20
Nguyen-5: 1; sin(x1**2)*cos(x1) - 1; uniform -1 1 20
Nguyen-6: 1; sin(x1) + sin(x1 + x1**2); uniform -1 1 20
Nguyen-7: 1; log(x1 + 1) + log(x1**2 + 1); uniform 0 2 20
Nguyen-8: 1; sqrt(x1); uniform 0 4 20
Nguyen-9: 2; sin(x1) + sin(x2**2); uniform 0 1 20
Nguyen-10: 2; 2*sin(x1)*cos(x2); uniform 0 1 20
Nguyen-11: 2; x1**x2; uniform 0 1 20
Nguyen-12: 2; x1**4 - x1**3 + x2**2/2 - x2; uniform 0 1 20
Nguyen-12a: 2; x1**4 - x1**3 + x2**2/2 - x2; uniform 0 10 20
Constant-1: 1; 3.39*x1**3 + 2.12*x1**2 + 1.78*x1; uniform -1 1 20
Constant-2: 1; sin(x1**2)*cos(x1) - 0.75; uniform -1 1 20
Constant-3: 2; sin(1.5*x1)*cos(0.5*x2); uniform 0 1 20
Constant-4: 2; 2.7*x1**x2; uniform 0 1 20
Constant-5: 1; sqrt(1.23*x1); uniform 0 4 20
Constant-6: 1; x1**0.426; uniform 0 4 20
Constant-7: 2; 2*sin(1.3*x1)*cos(x2); uniform 0 1 20
Constant-8: 1; log(x1 + 1.4) + log(x1**2 + 1.3); uniform 0 2 20
Livermore-1: 1; 1.0/3 + x1 + sin(x1**2); uniform -10 10 1000
Livermore-2: 1; sin(x1**2)*cos(x1) - 2; uniform -1 1 20
Livermore-3: 1; sin(x1**3)*cos(x1**2) - 1; uniform -1 1 20
Livermore-4: 1; log(x1 + 1) + log(x1**2 + 1) + log(x1); uniform 0 2 20
Livermore-5: 2; x1**4 - x1**3 + x2**2 - x2; uniform 0 1 20
Livermore-6: 1; 4*x1**4 + 3*x1**3 + 2*x1**2 + x1; uniform -1 1 20
Livermore-7: 1; (exp(x1) - exp(-1*x1))/2; uniform -1 1 20
Livermore-7a: 1; (exp(x1) - exp(-1*x1))/2; uniform -1 1 20
Livermore-8: 1; (exp(x1) + exp(-1*x1))/2; uniform -1 1 20
Livermore-8a: 1; (exp(x1) + exp(-1*x1))/2; uniform -1 1 20
Livermore-9: 1; x1**9 + x1**8 + x1**7 + x1**6 + x1**5 + x1**4 + x1**3 + x1**2 + x1; uniform -1 1 20
Livermore-10: 2; 6*sin(x1)*cos(x2); uniform 0 1 20
Livermore-11: 2; x1**2*x2**2/(x1 + x2); uniform -1 1 50
Livermore-12: 2; x1**5/x2**3; uniform -1 1 50
Livermore-13: 1; x1**(1/3); uniform 0 4 20
Livermore-14: 2; x1**3 + x1**2 + x1 + sin(x1) + sin(x2**2); uniform -1 1 20
Livermore-15: 1; x1**(1/5); uniform 0 4 20
Livermore-16: 1; x1**(2/3); uniform 0 4 20
Livermore-17: 2; 4*sin(x1)*cos(x2); uniform 0 1 20
Livermore-18: 1; sin(x1**2)*cos(x1) - 5; uniform -1 1 20
Livermore-19: 1; log(x1**2 + x1) + log(x1**3 + x1); uniform 0 2 20
Livermore-20: 1; x1**5 + x1**4 + x1**2 + x1; uniform -1 1 20
Livermore-21: 1; exp(-1*x1**2); uniform -1 1 20
Livermore-22: 1; x1**8 + x1**7 + x1**6 + x1**5 + x1**4 + x1**3 + x1**2 + x1; uniform -1 1 20
Livermore-23: 1; exp(-0.5*x1**2); uniform -1 1 20
Pagie-1: 2; 1/(1 + x1**(-4)) + 1/(1 + x2**(-4)); grid -5 5 0.4
Poly-10: 10; x1*x2 + x3*x4 + x5*x6 + x1*x7*x9 + x3*x6*x10; uniform 0 1 330
R1: 1; (x1 + 1)**3/(x1**2 - x1 + 1); grid -1 1 20
R2: 1; (x1**5 - 3*x1**3 + 1)/(x1**2 + 1); grid -1 1 20
R3: 1; (x1**6 + x1**5)/(x1**4 + x1**3 + x1**2 + x1 + 1); grid -1 1 20
R1a: 1; (x1 + 1)**3/(x1**2 - x1 + 1); grid -10 10 20
R2a: 1; (x1**5 - 3*x1**3 + 1)/(x1**2 + 1); grid -10 10 20
R3a: 1; (x1**6 + x1**5)/(x1**4 + x1**3 + x1**2 + x1 + 1); grid -10 10 20
Vladislavleva-1: 2; exp(-(x1 - 1)**2)/(1.2 + (x2 - 2.5)**2); uniform 0.3 4 100; test -0.5 10.5
Vladislavleva-2: 1; exp(-x1)*x1**3*cos(x1)*sin(x1)*(cos(x1)*sin(x1)**2 - 1); grid 0.05 10 0.1; test -0.5 10.5
Vladislavleva-3: 2; exp(-x1)*x1**3*cos(x1)*sin(x1)*(cos(x1)*sin(x1)**2-1)*(x2-5); grid 0.05 10 0.1, grid 0.05 10.05 2
Vladislavleva-4: 5; 10/(5+((x1-3)**2+(x2-3)**2+(x3-3)**2+(x4-3)**2+(x5-3)**2)); uniform 0.05 6.05 1024; test -0.25 6.35
Vladislavleva-5: 3; 30*(x1-1)*(x3-1)/((x1-10)*x2**2); uniform 0.05 2 300, uniform 1 2 300, uniform 0.05 2 300
Vladislavleva-6: 2; 6*sin(x1)*cos(x2); uniform 0.1 5.9 30; test -0.05 6.05
Vladislavleva-7: 2; (x1 - 3)*(x2 - 3) + 2*sin(x1 - 4)*(x2 - 4); uniform 0.05 6.05 300; test -0.25 6.35
Vladislavleva-8: 2; ((x1 - 3)**4 + (x2 - 3)**3 - (x2 - 3))/((x2 - 2)**4 + 10); uniform 0.05 6.05 50; test -0.25 6.35
Jin-1: 2; 2.5*x1**4 - 1.3*x1**3 + 0.5*x2**2 - 1.7*x2; uniform -3 3 100
Jin-2: 2; 8.0*x1**2 + 8.0*x2**3 - 15.0; uniform -3 3 100
Jin-3: 2; 0.2*x1**3 + 0.5*x2**3 - 1.2*x2 - 0.5*x1; uniform -3 3 100
Jin-4: 2; 1.5*exp(x1) + 5.0*cos(x2); uniform -3 3 100
Jin-5: 2; 6.0*sin(x1)*cos(x2); uniform -3 3 100
Jin-6: 2; 1.35*x1*x2 + 5.5*sin((x1 - 1.0)*(x2 - 1.0)); uniform -3 3 100
"""
