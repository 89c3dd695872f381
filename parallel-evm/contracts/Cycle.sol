// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

interface Market {
    function reserve0() external view returns (uint256);
    function reserve1() external view returns (uint256);
    function swap(bool zeroForOne, uint256 amountIn, uint256 minOut) external returns (uint256);
}

/// A searcher's contract: looks at a ring of constant-product markets on chain, and trades around it where that gains
/// something. It holds the token the ring begins and ends with, and has approved every market.
contract Cycle {
    uint256 private constant ONE = 1e18;

    event Gained(uint256 amountIn, uint256 gain);

    /// `legs` are markets in the order of the ring, in the low 160 bits; bit 160 says that a leg sells token 0 on the way
    /// forward. Both ways around are looked at. Trades the most profitable amount where that gains at least `least`
    /// units of the first token; else does nothing. Returns the gain.
    function probe(uint256[] calldata legs, uint256 least) external returns (uint256 gain) {
        uint256 n = legs.length;
        uint256[] memory first = new uint256[](n);
        uint256[] memory second = new uint256[](n);
        for (uint256 i = 0; i < n; ++i) {
            Market market = Market(address(uint160(legs[i])));
            (first[i], second[i]) = (market.reserve0(), market.reserve1());
            if (legs[i] >> 160 == 0) (first[i], second[i]) = (second[i], first[i]);
        }
        for (uint256 way = 0; way < 2; ++way) {
            (uint256 amountIn, uint256 found) =
                way == 0 ? best(first, second, true) : best(second, first, false);
            if (found > 0 && found >= least) {
                uint256 amount = amountIn;
                for (uint256 i = 0; i < n; ++i) {
                    uint256 leg = way == 0 ? legs[i] : legs[n - 1 - i];
                    bool zeroForOne = (leg >> 160 != 0) == (way == 0);
                    amount = Market(address(uint160(leg))).swap(zeroForOne, amount, 0);
                }
                require(amount == amountIn + found, "quote");
                emit Gained(amountIn, found);
                return found;
            }
        }
    }

    /// The amount that gains most around the ring with these reserves of what each leg takes in and pays out, and what
    /// it gains; nothing where there is no gain. A leg turns x into 997 x b / (1000 a + 997 x), so the whole ring
    /// turns x into r x / (1 + s x), which is best at x = (sqrt(r) - 1) / s. Backwards, legs go from the last to the first.
    function best(uint256[] memory ins, uint256[] memory outs, bool forwards)
        private
        pure
        returns (uint256 amountIn, uint256 gain)
    {
        uint256 n = ins.length;
        uint256 rate = ONE;
        uint256 slope = 0;
        for (uint256 i = 0; i < n; ++i) {
            uint256 at = forwards ? i : n - 1 - i;
            // In units of 1e-18 and 2^-128.
            slope += rate * (997 * (1 << 128) / (1000 * ins[at])) / ONE;
            rate = rate * 997 * outs[at] / (1000 * ins[at]);
        }
        if (rate <= ONE || slope == 0) return (0, 0);
        amountIn = (sqrt(rate * ONE) - ONE) * (1 << 128) / slope / ONE;
        uint256 amount = amountIn;
        for (uint256 i = 0; i < n; ++i) {
            uint256 at = forwards ? i : n - 1 - i;
            uint256 paid = amount * 997;
            amount = paid * outs[at] / (ins[at] * 1000 + paid);
        }
        gain = amount > amountIn ? amount - amountIn : 0;
    }

    /// The integer square root, rounded down.
    function sqrt(uint256 x) private pure returns (uint256 root) {
        if (x == 0) return 0;
        // A power of two that is not below the root.
        root = 1;
        uint256 rest = x;
        while (rest > 0) {
            rest >>= 2;
            root <<= 1;
        }
        uint256 next = (x / root + root) / 2;
        while (next < root) {
            root = next;
            next = (x / next + next) / 2;
        }
    }
}
