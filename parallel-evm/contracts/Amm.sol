// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

interface Token {
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// A constant-product market for two tokens with a fee of 0.30 %.
contract Amm {
    // Slots 0 to 5, in this order: the simulator presets them.
    Token public token0;
    Token public token1;
    uint256 public reserve0;
    uint256 public reserve1;
    uint256 public totalShares;
    mapping(address => uint256) public shares;

    event LiquidityAdded(address indexed provider, uint256 amount0, uint256 amount1, uint256 minted);
    event Swap(address indexed trader, bool zeroForOne, uint256 amountIn, uint256 amountOut);

    constructor(Token first, Token second) {
        token0 = first;
        token1 = second;
    }

    /// Deposits both tokens; keep them in the reserves' proportion, any excess is a gift to the pool.
    function addLiquidity(uint256 amount0, uint256 amount1) external returns (uint256 minted) {
        uint256 supply = totalShares;
        if (supply == 0) {
            minted = sqrt(amount0 * amount1);
        } else {
            uint256 by0 = amount0 * supply / reserve0;
            uint256 by1 = amount1 * supply / reserve1;
            minted = by0 < by1 ? by0 : by1;
        }
        require(minted > 0, "no liquidity");
        require(token0.transferFrom(msg.sender, address(this), amount0), "token0");
        require(token1.transferFrom(msg.sender, address(this), amount1), "token1");
        reserve0 += amount0;
        reserve1 += amount1;
        totalShares = supply + minted;
        shares[msg.sender] += minted;
        emit LiquidityAdded(msg.sender, amount0, amount1, minted);
    }

    /// Sells exactly `amountIn` of token 0 (or 1) for at least `minOut` of the other.
    function swap(bool zeroForOne, uint256 amountIn, uint256 minOut) external returns (uint256 amountOut) {
        (uint256 reserveIn, uint256 reserveOut) = zeroForOne ? (reserve0, reserve1) : (reserve1, reserve0);
        uint256 paid = amountIn * 997;
        amountOut = paid * reserveOut / (reserveIn * 1000 + paid);
        require(amountOut > 0 && amountOut >= minOut, "output");
        (Token tokenIn, Token tokenOut) = zeroForOne ? (token0, token1) : (token1, token0);
        if (zeroForOne) {
            reserve0 = reserveIn + amountIn;
            reserve1 = reserveOut - amountOut;
        } else {
            reserve1 = reserveIn + amountIn;
            reserve0 = reserveOut - amountOut;
        }
        require(tokenIn.transferFrom(msg.sender, address(this), amountIn), "pay in");
        require(tokenOut.transfer(msg.sender, amountOut), "pay out");
        emit Swap(msg.sender, zeroForOne, amountIn, amountOut);
    }

    /// The integer square root, rounded down.
    function sqrt(uint256 x) private pure returns (uint256 root) {
        if (x == 0) return 0;
        root = x;
        uint256 next = x / 2 + 1;
        while (next < root) {
            root = next;
            next = (x / next + next) / 2;
        }
    }
}
