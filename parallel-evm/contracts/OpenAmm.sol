// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Amm, Token} from "./Amm.sol";

/// The constant-product market of `Amm.sol`, whose providers can leave again.
contract OpenAmm is Amm {
    event LiquidityRemoved(address indexed provider, uint256 amount0, uint256 amount1, uint256 burnt);

    constructor(Token first, Token second) Amm(first, second) {}

    /// Gives shares back for their part of both reserves.
    function removeLiquidity(uint256 burnt) external returns (uint256 amount0, uint256 amount1) {
        uint256 supply = totalShares;
        shares[msg.sender] -= burnt;
        (amount0, amount1) = (burnt * reserve0 / supply, burnt * reserve1 / supply);
        (totalShares, reserve0, reserve1) = (supply - burnt, reserve0 - amount0, reserve1 - amount1);
        require(token0.transfer(msg.sender, amount0), "token0");
        require(token1.transfer(msg.sender, amount1), "token1");
        emit LiquidityRemoved(msg.sender, amount0, amount1, burnt);
    }
}
