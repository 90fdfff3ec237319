# R's estimators on the data of benchmarks/wooldridge.py, for those who have them:
#
#     python benchmarks/wooldridge.py --export panel.csv
#     Rscript benchmarks/peers.R panel.csv
#
# prodest (prodestWRDG_GMM, the same name and another estimator: see docs/estimators/prodest_wrdg_gmm.md) and gmm
# (the very estimator, on stacked rows). A package that is not installed is named and left out. CPU seconds are
# user and system time of this process and its children; memory is the most that R's collector saw in use.

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 1) stop("usage: Rscript benchmarks/peers.R panel.csv")
panel <- read.csv(arguments[1])
panel <- panel[order(panel$firm, panel$year), ]

timed <- function(name, estimate) {
  invisible(gc(reset = TRUE))
  before <- proc.time()
  found <- estimate()
  spent <- proc.time() - before
  seconds <- sum(spent[c("user.self", "sys.self", "user.child", "sys.child")], na.rm = TRUE)
  used <- gc()
  megabytes <- sum(used[, ncol(used)])
  cat(sprintf("%-24s %9.2f s %8.0f MB   bl %.8f   bk %.8f\n", name, seconds, megabytes, found[1], found[2]))
}

missing_package <- function(name) {
  absent <- !requireNamespace(name, quietly = TRUE)
  if (absent) cat(sprintf("%-24s not installed\n", name))
  absent
}

cat(sprintf("%s firm-years, R %s\n", format(nrow(panel), big.mark = ","), getRversion()))

if (!missing_package("prodest")) {
  timed("prodestWRDG_GMM", function() {
    fit <- prodest::prodestWRDG_GMM(panel$y, panel$l, panel$k, panel$m, panel$firm, panel$year)
    fit@Estimates$pars[1:2]
  })
}

if (!missing_package("gmm")) {
  timed("gmm, stacked rows", function() {
    n <- nrow(panel)
    now <- which(c(FALSE, panel$firm[-1] == panel$firm[-n] & panel$year[-1] == panel$year[-n] + 1))
    k <- panel$k - mean(panel$k)
    m <- panel$m - mean(panel$m)
    powers <- subset(expand.grid(i = 0:3, j = 0:3), i + j <= 3)
    monomials <- mapply(function(i, j) k^i * m^j, powers$i, powers$j)
    none <- matrix(0, length(now), ncol(monomials))
    zero <- numeric(length(now))
    x <- rbind(cbind(panel$l[now], zero, monomials[now, ], none),
               cbind(panel$l[now], panel$k[now], none, monomials[now - 1, ]))
    z <- rbind(cbind(panel$l[now], zero, zero, monomials[now, ], none),
               cbind(zero, panel$l[now - 1], panel$k[now], none, monomials[now - 1, ]))
    y <- rep(panel$y[now], 2)
    # Two-stage least squares first; then the weight by firm.
    first <- solve(crossprod(x, z) %*% solve(crossprod(z), crossprod(z, x)),
                   crossprod(x, z) %*% solve(crossprod(z), crossprod(z, y)))
    moments <- rowsum(z * as.vector(y - x %*% first), rep(panel$firm[now], 2))
    weight <- solve(crossprod(moments))
    rows <- data.frame(y = y, x = I(x), z = I(z))
    fit <- gmm::gmm(y ~ x - 1, ~ z - 1, data = rows, weightsMatrix = weight, vcov = "TrueFixed")
    coef(fit)[1:2]
  })
}
