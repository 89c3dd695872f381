// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

interface Token {
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// A market for two tokens whose liquidity lies in ranges of price, with a fee of 0.30 % that goes to the ranges in use.
///
/// Edge number e is at the price 1.006^e (token 1 for token 0, roughly: roots are multiplied up with rounding). Between two
/// neighbouring edges the market is a constant-product one whose liquidity is the sum of all ranges over that stretch.
/// Roots of prices are in units of 2^-80. All rounding is in favour of the market.
contract Ranges {
    uint256 private constant ONE = 1 << 80;
    /// Root of 1.006.
    uint256 private constant STEP = 1212547173166837388142206;
    int256 private constant EDGE_MAX = 1000;
    uint256 private constant LIQUIDITY_MAX = 1 << 90;

    struct Edge {
        // Change of the liquidity when the price passes upwards.
        int256 net;
        uint256 gross;
        // Fees per unit of liquidity, 2^-128, on the other side of this edge from where the price is.
        uint256 outside0;
        uint256 outside1;
    }

    struct Range {
        uint256 liquidity;
        uint256 inside0;
        uint256 inside1;
    }

    // Slots 0 to 6, in this order: the simulator presets them.
    Token public token0;
    Token public token1;
    uint256 public root;
    // The price is from edge `at` to the one above.
    int256 public at;
    uint256 public liquidity;
    uint256 public fees0;
    uint256 public fees1;
    mapping(int256 => Edge) public edges;
    mapping(address => mapping(int256 => mapping(int256 => Range))) public ranges;

    event Added(address indexed provider, int256 lower, int256 upper, uint256 liquidity, uint256 amount0, uint256 amount1);
    event Removed(address indexed provider, int256 lower, int256 upper, uint256 liquidity, uint256 amount0, uint256 amount1);
    event Swap(address indexed trader, bool zeroForOne, uint256 amountIn, uint256 amountOut);

    /// A market at the price of an edge.
    constructor(Token a, Token b, int256 edge) {
        token0 = a;
        token1 = b;
        at = edge;
        root = rootAt(edge);
    }

    /// Root of an edge's price.
    function rootAt(int256 edge) public pure returns (uint256 result) {
        require(edge >= -EDGE_MAX && edge <= EDGE_MAX, "edge");
        uint256 power = STEP;
        result = ONE;
        for (uint256 n = uint256(edge < 0 ? -edge : edge); n > 0; n >>= 1) {
            if (n & 1 == 1) result = result * power / ONE;
            power = power * power / ONE;
        }
        if (edge < 0) result = ONE * ONE / result;
    }

    /// Adds liquidity to the caller's range and pays out its fees; the tokens it takes.
    function add(int256 lower, int256 upper, uint256 amount) external returns (uint256 amount0, uint256 amount1) {
        require(lower < upper && amount > 0 && amount < LIQUIDITY_MAX, "range");
        settle(lower, upper, int256(amount));
        (amount0, amount1) = holdings(lower, upper, amount, true);
        require(amount0 == 0 || token0.transferFrom(msg.sender, address(this), amount0), "token0");
        require(amount1 == 0 || token1.transferFrom(msg.sender, address(this), amount1), "token1");
        emit Added(msg.sender, lower, upper, amount, amount0, amount1);
    }

    /// Takes liquidity out of the caller's range (or none) and pays out its fees; the tokens without the fees.
    function remove(int256 lower, int256 upper, uint256 amount) external returns (uint256 amount0, uint256 amount1) {
        require(lower < upper && amount <= ranges[msg.sender][lower][upper].liquidity, "range");
        settle(lower, upper, -int256(amount));
        (amount0, amount1) = holdings(lower, upper, amount, false);
        require(amount0 == 0 || token0.transfer(msg.sender, amount0), "token0");
        require(amount1 == 0 || token1.transfer(msg.sender, amount1), "token1");
        emit Removed(msg.sender, lower, upper, amount, amount0, amount1);
    }

    /// Sells exactly `amountIn` of token 0 (or 1) for at least `minOut` of the other.
    function swap(bool zeroForOne, uint256 amountIn, uint256 minOut) external returns (uint256 amountOut) {
        require(amountIn < LIQUIDITY_MAX, "input");
        uint256 left = amountIn;
        uint256 price = root;
        int256 edge = at;
        uint256 depth = liquidity;
        while (left > 0) {
            int256 next = zeroForOne ? edge : edge + 1;
            uint256 target = rootAt(next);
            bool passes = true;
            if (depth > 0) {
                uint256 paid;
                uint256 used;
                uint256 out;
                (passes, paid, used, out, target) = step(zeroForOne, price, target, depth, left);
                left -= paid;
                amountOut += out;
                uint256 fee = ((paid - used) << 128) / depth;
                unchecked {
                    if (zeroForOne) fees0 += fee;
                    else fees1 += fee;
                }
            }
            price = target;
            if (passes) {
                Edge storage passed = edges[next];
                if (passed.gross > 0) {
                    int256 net = zeroForOne ? -passed.net : passed.net;
                    depth = uint256(int256(depth) + net);
                    unchecked {
                        passed.outside0 = fees0 - passed.outside0;
                        passed.outside1 = fees1 - passed.outside1;
                    }
                }
                edge = zeroForOne ? edge - 1 : edge + 1;
                require(edge >= -EDGE_MAX && edge < EDGE_MAX, "liquidity");
            }
        }
        (root, at, liquidity) = (price, edge, depth);
        require(amountOut > 0 && amountOut >= minOut, "output");
        (Token tokenIn, Token tokenOut) = zeroForOne ? (token0, token1) : (token1, token0);
        require(tokenIn.transferFrom(msg.sender, address(this), amountIn), "pay in");
        require(tokenOut.transfer(msg.sender, amountOut), "pay out");
        emit Swap(msg.sender, zeroForOne, amountIn, amountOut);
    }

    /// One stretch of a swap: whether it reaches the edge, what it takes in with and without the fee, what it pays out, and
    /// the root of the price after it.
    function step(bool zeroForOne, uint256 from, uint256 to, uint256 depth, uint256 left)
        private
        pure
        returns (bool passes, uint256 paid, uint256 used, uint256 out, uint256 price)
    {
        uint256 net = left * 997 / 1000;
        uint256 whole = zeroForOne ? first(to, from, depth, true) : second(from, to, depth, true);
        passes = net >= whole;
        if (passes) {
            (used, price) = (whole, to);
            // Not more than is left: its part after the fee was enough.
            paid = up(whole * 1000, 997);
        } else {
            (used, paid) = (net, left);
            price = zeroForOne
                ? up((depth << 80) * from, (depth << 80) + net * from)
                : from + (net << 80) / depth;
        }
        out = zeroForOne ? second(price, from, depth, false) : first(from, price, depth, false);
    }

    /// Token 0 between two roots.
    function first(uint256 low, uint256 high, uint256 depth, bool roundUp) private pure returns (uint256) {
        uint256 numerator = (depth << 80) * (high - low);
        return roundUp ? up(numerator, low * high) : numerator / (low * high);
    }

    /// Token 1 between two roots.
    function second(uint256 low, uint256 high, uint256 depth, bool roundUp) private pure returns (uint256) {
        uint256 numerator = depth * (high - low);
        return roundUp ? up(numerator, ONE) : numerator / ONE;
    }

    /// What so much liquidity over a range holds at the price.
    function holdings(int256 lower, int256 upper, uint256 amount, bool roundUp)
        private
        view
        returns (uint256 amount0, uint256 amount1)
    {
        (uint256 low, uint256 high, uint256 price) = (rootAt(lower), rootAt(upper), root);
        uint256 middle = price < low ? low : price > high ? high : price;
        if (middle < high) amount0 = first(middle, high, amount, roundUp);
        if (low < middle) amount1 = second(low, middle, amount, roundUp);
    }

    /// Changes the liquidity of the caller's range and pays its fees out.
    function settle(int256 lower, int256 upper, int256 change) private {
        Range storage range = ranges[msg.sender][lower][upper];
        touch(lower, change, change);
        touch(upper, change, -change);
        (uint256 inside0, uint256 inside1) = inside(lower, upper);
        uint256 had = range.liquidity;
        uint256 due0;
        uint256 due1;
        unchecked {
            due0 = (inside0 - range.inside0) * had >> 128;
            due1 = (inside1 - range.inside1) * had >> 128;
        }
        (range.liquidity, range.inside0, range.inside1) = (uint256(int256(had) + change), inside0, inside1);
        if (lower <= at && at < upper) {
            liquidity = uint256(int256(liquidity) + change);
            require(liquidity < LIQUIDITY_MAX, "too much");
        }
        require(due0 == 0 || token0.transfer(msg.sender, due0), "fees0");
        require(due1 == 0 || token1.transfer(msg.sender, due1), "fees1");
    }

    /// Counts a change of liquidity at an edge.
    function touch(int256 edge, int256 change, int256 net) private {
        require(edge >= -EDGE_MAX && edge <= EDGE_MAX, "edge");
        Edge storage touched = edges[edge];
        if (touched.gross == 0 && edge <= at) (touched.outside0, touched.outside1) = (fees0, fees1);
        touched.gross = uint256(int256(touched.gross) + change);
        touched.net += net;
    }

    /// Fees per unit of liquidity that arose within a range, up to a constant; wraps around.
    function inside(int256 lower, int256 upper) private view returns (uint256 inside0, uint256 inside1) {
        (Edge storage low, Edge storage high) = (edges[lower], edges[upper]);
        unchecked {
            (uint256 below0, uint256 below1) =
                at >= lower ? (low.outside0, low.outside1) : (fees0 - low.outside0, fees1 - low.outside1);
            (uint256 above0, uint256 above1) =
                at < upper ? (high.outside0, high.outside1) : (fees0 - high.outside0, fees1 - high.outside1);
            inside0 = fees0 - below0 - above0;
            inside1 = fees1 - below1 - above1;
        }
    }

    /// A quotient, rounded up.
    function up(uint256 numerator, uint256 denominator) private pure returns (uint256) {
        return numerator == 0 ? 0 : (numerator - 1) / denominator + 1;
    }
}
